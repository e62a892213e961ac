package agent

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

const sayAgainAfter = 10 * time.Second

// sayer limits how often the same thing is said.
type sayer struct {
	log func(level Level, text string)

	said struct {
		sync.Mutex
		at map[string]time.Time
	}
}

const saidMax = 256 // subjects remembered

// once says text unless something about the same subject was said lately.
func (s *sayer) once(level Level, subject, text string) {
	s.said.Lock()
	now := time.Now()
	last, known := s.said.at[subject]
	quiet := known && now.Sub(last) < sayAgainAfter
	if !quiet {
		if s.said.at == nil || len(s.said.at) >= saidMax {
			s.said.at = map[string]time.Time{}
		}
		s.said.at[subject] = now
	}
	s.said.Unlock()
	if !quiet {
		s.log(level, text)
	}
}

// gossipLog takes memberlist's log lines, lets through what an operator can use, and says that in our own words.
type gossipLog struct{ say *sayer }

// Write takes one line of the form "[LEVEL] memberlist: text".
func (g gossipLog) Write(p []byte) (int, error) {
	line := string(bytes.TrimSpace(p))
	level, text, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	if !ok {
		level, text = "DEBUG", line
	}
	text = strings.TrimPrefix(text, "memberlist: ")
	from := ""
	if i := strings.LastIndex(text, "from="); i >= 0 {
		from = text[i+len("from="):]
	}
	switch {
	case keyDiffers(text):
		host, _, _ := strings.Cut(from, ":")
		g.say.once(Warning, "key "+host, "peer at "+orUnknown(from)+" is refused: its gossip-key differs from this node's, or one of them has none")
	case strings.HasPrefix(text, "Conflicting address"), strings.HasPrefix(text, "ignoring alive message"),
		strings.Contains(text, "merge canceled"):
		// said by the delegate, with the reason
	case level == "ERR" || level == "ERROR":
		g.say.once(Verbose, text, "gossip: "+text)
	case level == "WARN":
		g.say.once(Debug, text, "gossip: "+text)
	}
	return len(p), nil
}

func keyDiffers(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "no installed keys could decrypt") || strings.Contains(text, "encryption is not configured") ||
		strings.Contains(text, "remote state is not encrypted") || strings.Contains(text, "decrypt packet failed")
}

func orUnknown(s string) string {
	if s == "" {
		return "an unknown address"
	}
	return s
}
