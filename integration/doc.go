// Package integration holds what looks at the whole house from outside: the
// import table (architecture_test.go), the size and style ratchet
// (tidy_test.go), and in its folders the benchmark and the tests that start real
// processes. It may import anything; nothing imports it.
package integration
