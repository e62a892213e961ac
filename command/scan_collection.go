package command

// scanned is a collection that HSCAN, SSCAN or ZSCAN walks through.
type scanned struct {
	len     int
	perName int // replies for each name: 1, or 2 when something belongs to it
	scan    func(cursor uint64, visit func(name, value []byte)) (next uint64)
}

// scanCollection is NAME key cursor [MATCH pattern] [COUNT n]. As in Redis a bad cursor is refused first, then a
// key of the wrong type, and a missing key answers before the options are read.
func scanCollection(c *Call, open func() (scanned, error)) error {
	cursor, err := ParseCursor(c.Args[2])
	if err != nil {
		return err
	}
	in, err := open()
	if err != nil {
		return err
	}
	if in.len == 0 {
		replyScan(c, 0, nil)
		return nil
	}
	o, err := parseScanOptions(c, 3, false)
	if err != nil {
		return err
	}
	var found [][]byte
	visited := int64(0)
	visit := func(name, value []byte) {
		visited++
		if !o.matches(name) {
			return
		}
		found = append(found, name)
		if in.perName == 2 {
			found = append(found, value)
		}
	}
	// Empty pieces of the collection do not count as visited, so the number of rounds has a limit of its own.
	for round := int64(0); ; round++ {
		cursor = in.scan(cursor, visit)
		if cursor == 0 || visited >= o.count || round/10 >= o.count {
			break
		}
	}
	replyScan(c, cursor, found)
	return nil
}
