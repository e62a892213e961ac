// Package scenario reads and writes scenario files: readable steps with their golden outcome, as tests of commands
// use them.
//
// Nouns: a File is a list of Steps; a Step is a command line ("> SET k v") or a directive ("@ advance 1500"), with the
// comments before it and, for a command line, the outcome below it, one line of text each. Show renders a raw reply as
// redis-cli would.
//
//	# comments and blank lines stay as they are
//	@ select 3
//	> SET k v EX 100
//	OK
//	~ SET k v PXAT 1000000100000
//	! set k
//
// Directives, which the tests obey (each stands before the step it is meant for):
//
//	@ advance 1500      the clock goes on so many ms; the comparison with a reference server ends here
//	@ select 3          another database
//	@ resp 3            another protocol version
//	@ limit NAME 4      CONFIG SET of an encoding's limit
//	@ sorted            the next reply comes in no order
//	@ pairs             the same, for a flat array of pairs
//	@ block             the next command may wait: the wait is shown
//	@ multi ... @ exec  the effects of several commands make one unit
//	@ differs REASON    the next reply is not compared with the reference's
//
// Life of a file: Read parses it, the test runs each step and fills in its Outcome, and either compares or, with its
// -rewrite flag, writes File.Text back.
//
// Invariants:
//  1. Text of a file that was read and not changed is the file, byte for byte.
//  2. Show gives different texts for different replies, except where asked to sort.
//
// Values only: any goroutine may use its own.
package scenario
