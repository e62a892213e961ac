package resp

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriter_replies(t *testing.T) {
	for _, c := range []struct {
		name       string
		write      func(*Writer)
		two, three string
	}{
		{"status", func(w *Writer) { w.Status("PONG") }, "+PONG\r\n", "+PONG\r\n"},
		{"ok", func(w *Writer) { w.OK() }, "+OK\r\n", "+OK\r\n"},
		{"error", func(w *Writer) { w.Error("ERR a\r\nb") }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{"int", func(w *Writer) { w.Int(0); w.Int(9); w.Int(10); w.Int(-1) }, ":0\r\n:9\r\n:10\r\n:-1\r\n", ":0\r\n:9\r\n:10\r\n:-1\r\n"},
		{"limits", func(w *Writer) { w.Int(math.MinInt64); w.Int(math.MaxInt64) }, ":-9223372036854775808\r\n:9223372036854775807\r\n",
			":-9223372036854775808\r\n:9223372036854775807\r\n"},
		{"bulk", func(w *Writer) { w.Bulk(nil); w.BulkString("a\r\n"); w.BulkInt(-12) }, "$0\r\n\r\n$3\r\na\r\n\r\n$3\r\n-12\r\n",
			"$0\r\n\r\n$3\r\na\r\n\r\n$3\r\n-12\r\n"},
		{"null", func(w *Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
		{"null array", func(w *Writer) { w.NullArray() }, "*-1\r\n", "_\r\n"},
		{"array", func(w *Writer) { w.Array(0); w.Array(10) }, "*0\r\n*10\r\n", "*0\r\n*10\r\n"},
		{"map", func(w *Writer) { w.Map(3) }, "*6\r\n", "%3\r\n"},
		{"set", func(w *Writer) { w.Set(3) }, "*3\r\n", "~3\r\n"},
		{"push", func(w *Writer) { w.Push(3) }, "*3\r\n", ">3\r\n"},
		{"bool", func(w *Writer) { w.Bool(true); w.Bool(false) }, ":1\r\n:0\r\n", "#t\r\n#f\r\n"},
		{"double", func(w *Writer) { w.Double(1.5); w.Double(math.Inf(-1)) }, "$3\r\n1.5\r\n$4\r\n-inf\r\n", ",1.5\r\n,-inf\r\n"},
		{"big number", func(w *Writer) { w.BigNumber("123") }, "$3\r\n123\r\n", "(123\r\n"},
		{"verbatim", func(w *Writer) { w.Verbatim("txt", "abc") }, "$3\r\nabc\r\n", "=7\r\ntxt:abc\r\n"},
	} {
		for proto, want := range map[int]string{0: c.two, 2: c.two, 3: c.three} {
			w := &Writer{Proto: proto}
			c.write(w)
			require.Equal(t, want, string(w.Buf), "%s in version %d", c.name, proto)
		}
	}
}

// TestAppendDouble_table: texts as ZSCORE of Redis 7.2 gives them (integration/wire compares the plain ones with 7.0.15).
func TestAppendDouble_table(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1: "-1", 0.5: "0.5", 3.14: "3.14", 0.1: "0.1", 1.1: "1.1", -2.25: "-2.25", 100: "100", 12345678: "12345678",
		1e15: "1000000000000000", 1 << 52: "4503599627370496", 1e21: "1e+21", 1e20: "1e+20", 1e7: "10000000", 123456789.12345679: "1.2345678912345679e+8", 0.0012345: "0.0012345", 0.00012345: "1.2345e-4", 1e-5: "0.00001", 1e-6: "0.000001",
		1e-7: "1e-7", 1.5e300: "1.5e+300", 5e-324: "5e-324", math.MaxFloat64: "1.7976931348623157e+308", 0.001: "0.001",
		123456.789: "123456.789", math.Inf(1): "inf", math.Inf(-1): "-inf", 17.000000000000004: "17.000000000000004",
	} {
		require.Equal(t, want, string(AppendDouble(nil, f)))
	}
	require.Equal(t, "-0", string(AppendDouble(nil, math.Copysign(0, -1))))
	require.Equal(t, "nan", string(AppendDouble(nil, math.NaN())))
}

// FuzzAppendDouble: what is written reads back as the same value.
func FuzzAppendDouble(f *testing.F) {
	for _, seed := range []float64{0, 1, -1.5, 1e-7, 1e21, 123456789012345678, 5e-324, 1e100} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if math.IsNaN(v) {
			return
		}
		back, err := strconv.ParseFloat(string(AppendDouble(nil, v)), 64)
		require.NoError(t, err)
		require.Equal(t, v, back)
	})
}

func TestAppendCommand(t *testing.T) {
	want := "*2\r\n$3\r\nGET\r\n$11\r\nabcdefghijk\r\n"
	require.Equal(t, want, string(AppendCommand(nil, []byte("GET"), []byte("abcdefghijk"))))
	require.Equal(t, want, string(AppendCommandStrings(nil, "GET", "abcdefghijk")))
}

func TestWriter_arrayFrom(t *testing.T) {
	w := &Writer{}
	w.OK()
	mark := len(w.Buf)
	for i := range 12 {
		w.Int(int64(i))
	}
	w.ArrayFrom(mark, 12)
	empty := len(w.Buf)
	w.ArrayFrom(empty, 0)
	want := &Writer{}
	want.OK()
	want.Array(12)
	for i := range 12 {
		want.Int(int64(i))
	}
	want.Array(0)
	require.Equal(t, string(want.Buf), string(w.Buf))
}
