package fsst

import "testing"

// benchStrings are so many that the processor does not learn the branches of each.
const benchStrings = 1024

func BenchmarkAppend(b *testing.B) {
	for _, k := range kinds()[:6] {
		b.Run(k.name, func(b *testing.B) {
			table, all := Train(k.strings(1, SampleBytesMax)), benchInputs(b, k)
			room := make([]byte, 0, 4<<10)
			i := 0
			for b.Loop() {
				_, _ = table.Append(room, all[i%benchStrings])
				i++
			}
		})
	}
}

func BenchmarkAppendPlain(b *testing.B) {
	for _, k := range kinds()[:6] {
		b.Run(k.name, func(b *testing.B) {
			table, all := Train(k.strings(1, SampleBytesMax)), benchInputs(b, k)
			codes := make([][]byte, benchStrings)
			for i, plain := range all {
				codes[i], _ = table.Append(nil, plain)
			}
			room := make([]byte, 0, 4<<10)
			i := 0
			for b.Loop() {
				table.AppendPlain(room, codes[i%benchStrings], len(all[i%benchStrings]))
				i++
			}
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	for _, k := range kinds() {
		b.Run(k.name, func(b *testing.B) {
			sample := k.strings(1, SampleBytesMax)
			for b.Loop() {
				Train(sample)
			}
		})
	}
}

// benchInputs gives strings of 100 bytes each.
func benchInputs(b *testing.B, k kind) (all [][]byte) {
	for _, plain := range k.strings(5, 1<<20) {
		if len(plain) >= 100 && len(all) < benchStrings {
			all = append(all, plain[:100])
		}
	}
	if len(all) < benchStrings {
		joined := make([]byte, 0, 1<<20)
		for _, plain := range k.strings(5, 1<<18) {
			joined = append(joined, plain...)
		}
		for all = all[:0]; len(all) < benchStrings; joined = joined[100:] {
			all = append(all, joined[:100])
		}
	}
	b.SetBytes(100)
	return all
}
