package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// session is one of many strings that resemble each other.
func sessionText(i int) string {
	return fmt.Sprintf(`{"id":%d,"name":"user-%d","mail":"u%d@example.org","ok":true}`, i, i*7919%1000, i)
}

// setTexts sets strings until the server keeps most of them compressed; they are the same each time.
func setTexts(t *testing.T, c *caller, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		for i := range n {
			c.is("+OK", fmt.Sprintf("SET text:%d '%s'", i, sessionText(i)))
		}
		return c.infoNumber("compressed_strings") >= n*9/10
	}, patience, time.Millisecond)
}

func TestCompression_stringsOfManyKindsOfUse(t *testing.T) {
	c := dial(t, start(t))
	setTexts(t, c, 1000)
	require.Positive(t, c.infoNumber("compressed_strings_saved_bytes"))
	require.Positive(t, c.infoNumber("compression_tables"))
	for i := range 1000 {
		require.Equal(t, sessionText(i), c.text(fmt.Sprintf("GET text:%d", i)))
	}
	v := sessionText(7)
	c.is(fmt.Sprintf(":%d", len(v)), "STRLEN text:7")
	require.Equal(t, v[3:11], c.text("GETRANGE text:7 3 10"))
	require.Equal(t, "raw", c.text("OBJECT ENCODING text:7"))
	c.is("-ERR value is not an integer or out of range", "INCR text:7")
	c.is(fmt.Sprintf(":%d", len(v)+1), "APPEND text:7 x")
	require.Equal(t, v+"x", c.text("GET text:7"))
	c.is("+OK", "RENAME text:8 text:9")
	require.Equal(t, sessionText(8), c.text("GET text:9"))
	c.is(":1", "COPY text:9 other DB 1")
	c.is("+OK", "SELECT 1")
	require.Equal(t, sessionText(8), c.text("GET other"))
	c.is("+OK", "SELECT 0")

	// Without it new strings are as they are, and the old ones can be read.
	c.is("+OK", "CONFIG SET string-compression no")
	before := c.infoNumber("compressed_strings")
	c.is("+OK", fmt.Sprintf("SET text:10 '%s'", sessionText(10)))
	require.Equal(t, before-1, c.infoNumber("compressed_strings"))
	require.Equal(t, sessionText(11), c.text("GET text:11"))
}

// While housekeeping is paused nothing is learned; afterwards it is.
func TestCompression_pausedHousekeeping(t *testing.T) {
	c := dial(t, start(t))
	c.is("+OK", "DEBUG PAUSE-CRON 1")
	for i := range 2000 {
		c.is("+OK", fmt.Sprintf("SET text:%d '%s'", i, sessionText(i)))
	}
	require.Zero(t, c.infoNumber("compressed_strings"))
	c.is("+OK", "DEBUG PAUSE-CRON 0")
	setTexts(t, c, 100)
}

// A standby learns by itself, from the master's stream, and has the same data.
func TestCompression_standbyLearnsToo(t *testing.T) {
	v := start(t)
	standby := follow(t, v)
	c, s := dial(t, v), dial(t, standby)
	require.Eventually(t, func() bool {
		setTexts(t, c, 500)
		return s.infoNumber("compressed_strings") > 400
	}, patience, time.Millisecond)
	sameDigest(t, v, standby)
	require.Equal(t, sessionText(400), s.text("GET text:400"))
}
