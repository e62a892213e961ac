package command

// Families are the data commands, in the order of the files. The server joins them with its session commands.
func Families() [][]Spec {
	return [][]Spec{
		genericRows(),
		expireRows(),
		stringRows(),
		hashRows(),
		hashDeadlineRows(),
		hashExRows(),
		listRows(),
		listMoveRows(),
		setRows(),
		setAlgebraRows(),
		zsetRows(),
		zsetRangeRows(),
		zsetPopRows(),
		zsetAlgebraRows(),
		streamRows(),
		streamReadRows(),
		streamGroupRows(),
		streamClaimRows(),
		streamInfoRows(),
	}
}
