package notation

// Match tells whether s matches a glob-style pattern as Redis reads it: * any bytes, ? one byte, [a-z] and [^a] classes,
// \x the byte x itself. nocase ignores the case of ASCII letters.
//
// After a star only the last one ever needs to be tried again at the next byte, because all else matches exactly one
// byte. So the time is at most len(pattern) x len(s), whatever the pattern; Redis' own matcher recurses at each star.
// As in Redis the empty text matches the empty pattern only, not even a star.
func Match(pattern, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, retry := -1, 0 // the pattern behind the last star, and where in s it was last tried
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, retry = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := matchByte(pattern, p, s[i], nocase); ok {
				p, i = next, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		retry++
		p, i = star, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte matches one byte with the element at p; next is the element behind it.
func matchByte(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, c, nocase)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	if nocase {
		return p + 1, lowerByte(pattern[p]) == lowerByte(c)
	}
	return p + 1, pattern[p] == c
}

// matchClass matches a class whose first byte behind the bracket is at p. A class that is not closed ends with the
// pattern; an escaped byte keeps its case. Both as in Redis.
func matchClass(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	for p < len(pattern) && pattern[p] != ']' {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			ok = ok || pattern[p] == c
		case p+2 < len(pattern) && pattern[p+1] == '-':
			ok = ok || inRange(pattern[p], pattern[p+2], c, nocase)
			p += 2
		case nocase:
			ok = ok || lowerByte(pattern[p]) == lowerByte(c)
		default:
			ok = ok || pattern[p] == c
		}
		p++
	}
	return min(p+1, len(pattern)), ok != negated
}

func inRange(from, to, c byte, nocase bool) bool {
	if from > to {
		from, to = to, from
	}
	if nocase {
		from, to, c = lowerByte(from), lowerByte(to), lowerByte(c)
	}
	return c >= from && c <= to
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
