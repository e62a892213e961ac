package command

import "math"

// setOption is one word of SET's and GETEX's options.
type setOption uint16

const (
	optNX setOption = 1 << iota
	optXX
	optGet
	optKeepTTL
	optPersist
	optEX
	optPX
	optEXAT
	optPXAT

	optTimes      = optEX | optPX | optEXAT | optPXAT
	setOptions    = optNX | optXX | optGet | optKeepTTL | optTimes
	getExOptions  = optPersist | optTimes
	optAllExpires = optTimes | optKeepTTL | optPersist
)

// setOptionValues is what a SET or GETEX line says behind the value.
type setOptionValues struct {
	given setOption
	when  []byte // the argument of EX, PX, EXAT or PXAT
}

func (o *setOptionValues) has(any setOption) bool { return o.given&any != 0 }

// parseSetOptions reads the options from argument i on. Like Redis it lets an option stand twice, but not two that
// contradict each other.
func parseSetOptions(c *Call, i int, allowed setOption) (o setOptionValues, err error) {
	cur := c.Cursor(i)
	for cur.More() {
		opt, rivals := setOptionWord(string(cur.Upper()))
		if opt&allowed == 0 || o.has(rivals) {
			cur.Fail(ErrSyntax)
			break
		}
		o.given |= opt
		if opt&optTimes != 0 {
			o.when = cur.Bytes()
		}
	}
	return o, cur.Err()
}

// setOptionWord gives an option and those that must not stand beside it.
func setOptionWord(word string) (opt, rivals setOption) {
	switch word {
	case "NX":
		return optNX, optXX
	case "XX":
		return optXX, optNX
	case "GET":
		return optGet, 0
	case "KEEPTTL":
		return optKeepTTL, optAllExpires &^ optKeepTTL
	case "PERSIST":
		return optPersist, optAllExpires &^ optPersist
	case "EX":
		return optEX, optAllExpires &^ optEX
	case "PX":
		return optPX, optAllExpires &^ optPX
	case "EXAT":
		return optEXAT, optAllExpires &^ optEXAT
	case "PXAT":
		return optPXAT, optAllExpires &^ optPXAT
	}
	return 0, 0
}

// deadlineMs is the deadline that the options ask for, 0 when they ask for none.
func (o *setOptionValues) deadlineMs(c *Call) (int64, error) {
	if !o.has(optTimes) {
		return 0, nil
	}
	ms, ok := ParseInt(o.when)
	if !ok {
		return 0, ErrNotInteger
	}
	if ms <= 0 {
		return 0, InvalidExpire(c.Spec.FullName)
	}
	if o.has(optEX | optEXAT) {
		if ms > math.MaxInt64/1000 {
			return 0, InvalidExpire(c.Spec.FullName)
		}
		ms *= 1000
	}
	if o.has(optEX | optPX) {
		if ms > math.MaxInt64-c.NowMs {
			return 0, InvalidExpire(c.Spec.FullName)
		}
		ms += c.NowMs
	}
	return ms, nil
}
