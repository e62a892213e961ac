// Package datadriven runs scenario files: readable commands with their golden
// outcome. A file is a list of cases, separated by blank lines:
//
//	# a comment, anywhere outside an outcome
//	command arg key=value ...
//	more input lines
//	----
//	expected outcome
//
// An outcome ends at the first blank line, or, if it contains blank lines itself,
// is enclosed in a second pair of ---- lines. With the flag -rewrite the outcomes
// are written anew; the diff is what there is to review.
//
// Life of a case: parse, call the test's function with it, compare. The package
// keeps no state and may be used from parallel tests.
//
// Invariant: rewriting a file whose outcomes are right does not change a byte.
package datadriven
