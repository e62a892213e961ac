package notation

// SplitWords splits a line as redis-cli, inline commands and configuration files quote it: double quotes with
// escapes (\n \r \t \b \a \xHH), single quotes with \' only. ok is false when quotes do not balance.
func SplitWords(line []byte) (words [][]byte, ok bool) {
	i := 0
	for {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		var word []byte
		if word, i, ok = nextWord(line, i); !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

func nextWord(line []byte, i int) (word []byte, next int, ok bool) {
	word = []byte{}
	for i < len(line) && !isSpace(line[i]) {
		switch line[i] {
		case '"', '\'':
			if word, i, ok = quoted(line, i, word); !ok {
				return nil, 0, false
			}
			// A closing quote must end the word.
			if i < len(line) && !isSpace(line[i]) {
				return nil, 0, false
			}
		default:
			word = append(word, line[i])
			i++
		}
	}
	return word, i, true
}

func quoted(line []byte, i int, word []byte) (out []byte, next int, ok bool) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			return word, i + 1, true
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
			word = append(word, '\'')
		case c == '\\' && quote == '"' && i+3 < len(line) && line[i+1] == 'x' && isHex(line[i+2]) && isHex(line[i+3]):
			word = append(word, unhex(line[i+2])<<4|unhex(line[i+3]))
			i += 3
		case c == '\\' && quote == '"' && i+1 < len(line):
			i++
			word = append(word, unescape(line[i]))
		default:
			word = append(word, c)
		}
	}
	return nil, 0, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func isSpace(c byte) bool {
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
