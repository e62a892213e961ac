// Command fragmentation measures how much memory a server keeps after most of its data were deleted: it is filled until its
// resident memory has grown by -bytes, with values of many sizes, three quarters of the keys are deleted at random, and
// after -wait of housekeeping its resident memory is divided by the share of the data that is left, a quarter of what the
// filling took.
//
// Side by side with redis-server, which runs with "activedefrag yes" if it was built for it.
//
//	go run ./integration/bench/fragmentation -bytes 1073741824 -wait 60s
//
// The bar is 1.4. Linux only, because of /proc.
package main
