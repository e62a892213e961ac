// Package slab keeps very many small pieces of bytes where the garbage collector does not look: in anonymous memory
// maps of the system, or in large pointer-free Go slices where there are none.
//
// # Nouns
//
// A Heap has pages. A page is 64 KB of cells of one size, its class; a piece larger than any class has a page of its
// own, which is a map if it is very large and a Go slice without pointers else.
// A Ref names a cell by page and place, in 32 bits: 2^20 pages, that is 64 GB of small cells. Ref 0 is no cell.
//
// # The life of a cell
//
// Alloc takes a free cell of the smallest class that fits, from a page of that class with room, else from a new page.
// Free links it into its page's free list, which lives in the free cells themselves. A page that is all free is given
// back to the system when its class has another page with room.
//
// # Invariants
//
//  1. A cell's bytes do not move and stay what they are until Free. What Alloc gives is not cleared.
//  2. The pages of a class that have a free cell are exactly those in the class's list.
//  3. A page's used cells, its free list and its untouched rest are all of its cells.
//  4. Cells given out are valid while the Heap is reachable: its maps go with it.
//
// # Who may call
//
// One owner at a time; there is no lock here. unsafe appears in View and BytesOf only.
package slab
