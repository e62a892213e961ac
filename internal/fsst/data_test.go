package fsst

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is a kind of strings, and how small a table must make them, of what they were; 0: no table is worth it.
type kind struct {
	name  string
	below float64
	one   func(r *rand.Rand) string
}

func kinds() []kind {
	return []kind{
		{"json", 0.6, session},
		{"text", 0.6, text},
		{"digits", 0.55, func(r *rand.Rand) string { return from(r, "0123456789", 20+r.IntN(100)) }},
		{"hex", 0.6, func(r *rand.Rand) string { return hex.EncodeToString(random(r, 16+r.IntN(40))) }},
		{"uuid", 0.65, func(r *rand.Rand) string {
			b := random(r, 16)
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}},
		{"base64", 0.78, func(r *rand.Rand) string { return base64.StdEncoding.EncodeToString(random(r, 48+r.IntN(60))) }},
		{"random", 0, func(r *rand.Rand) string { return string(random(r, 32+r.IntN(100))) }},
	}
}

// strings of a kind, n bytes of them or a few more, always the same for a seed.
func (k kind) strings(seed uint64, n int) (all [][]byte) {
	r := rand.New(rand.NewPCG(seed, 7))
	for n > 0 {
		all = append(all, []byte(k.one(r)))
		n -= len(all[len(all)-1])
	}
	return all
}

func session(r *rand.Rand) string {
	return fmt.Sprintf(`{"user_id":%d,"name":"%s %s","roles":["%s"],"created_at":%d,"active":%v,"lang":"%s"}`,
		r.IntN(1e7), word(r), word(r), []string{"admin", "reader", "writer"}[r.IntN(3)], 1_700_000_000+r.IntN(5e7),
		r.IntN(2) == 0, []string{"en", "de", "fr", "pt-BR"}[r.IntN(4)])
}

func text(r *rand.Rand) string {
	words := make([]string, 5+r.IntN(40))
	for i := range words {
		words[i] = word(r)
	}
	return strings.Join(words, " ") + "."
}

func word(r *rand.Rand) string {
	return [...]string{"the", "river", "of", "a", "winter", "and", "mountain", "carries", "stones", "under", "Anna", "Bruno",
		"lightly", "in", "morning", "light", "Clara", "window", "rests", "before", "it", "snow", "Dmitri", "grey"}[r.IntN(24)]
}

func from(r *rand.Rand, letters string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
