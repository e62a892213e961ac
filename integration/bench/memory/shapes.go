package main

import "fmt"

// shape is one kind of item. There are n/share of them.
type shape struct {
	name    string
	share   int
	command func(i int) []string
}

// shapes are all that are measured. To add one, add a row.
func shapes() []shape {
	return []shape{
		{"string of 8 B", 1, func(i int) []string { return []string{"SET", key(i), fmt.Sprintf("v%07d", i)} }},
		{"string of 100 B", 1, func(i int) []string { return []string{"SET", key(i), fmt.Sprintf("v%099d", i)} }},
		{"integer", 1, func(i int) []string { return []string{"SET", key(i), fmt.Sprint(1000000 + i)} }},
		{"string of 8 B with TTL", 1, func(i int) []string {
			return []string{"SET", key(i), fmt.Sprintf("v%07d", i), "EX", fmt.Sprint(100000 + i%5000)}
		}},
		{"hash of 5", 4, func(i int) []string {
			return several("HSET", i, 5, func(k int) []string { return []string{fmt.Sprintf("field%d", k), fmt.Sprintf("value-%06d", i+k)} })
		}},
		{"zset of 10", 4, func(i int) []string {
			return several("ZADD", i, 10, func(k int) []string { return []string{fmt.Sprint(i%1000 + k), fmt.Sprintf("member:%d", i+k)} })
		}},
		{"list of 10", 4, func(i int) []string {
			return several("RPUSH", i, 10, func(k int) []string { return []string{fmt.Sprintf("element-%05d", (i+k)%100000)} })
		}},
		{"set of 10", 4, func(i int) []string {
			return several("SADD", i, 10, func(k int) []string { return []string{fmt.Sprintf("member:%d", i+k)} })
		}},
		{"field of one hash", 1, func(i int) []string {
			return []string{"HSET", "hash", fmt.Sprintf("f%07d", i), fmt.Sprintf("v%07d", i)}
		}},
		{"member of one zset", 1, func(i int) []string {
			return []string{"ZADD", "zset", fmt.Sprint(i * 7919 % 1000003), fmt.Sprintf("m%09d", i)}
		}},
	}
}

func key(i int) string { return fmt.Sprintf("key%07d", i) }

func several(command string, i, n int, element func(k int) []string) []string {
	words := []string{command, key(i)}
	for k := range n {
		words = append(words, element(k)...)
	}
	return words
}
