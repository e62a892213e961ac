// Package slab keeps very many small pieces of bytes where the garbage collector does not look: in anonymous memory
// maps of the system, or in large pointer-free Go slices where there are none.
//
// # Nouns
//
// A Heap has pages. A page is 64 KB of cells of one size, its class; a piece larger than any class has a page of its own,
// whose memory is a run of units in a map shared with others, or a map of its own if it is very large.
// A Ref names a cell by page and place, in 32 bits: 2^20 pages, that is 64 GB of small cells. Ref 0 is no cell.
//
// # The life of a cell
//
// Alloc takes a free cell of the smallest class that fits, from a page of that class with room, else from a new page.
// Free links it into its page's free list, which lives in the free cells themselves. A page that is all free, when its
// class has another page with room, may serve any class; what is not used again goes back to the system when there is
// time (GiveBack), and so does the memory of large cells.
//
// Cells that are freed here and there leave many pages with few cells. A plan chooses the pages that can be emptied into
// the others; then their owners Move those cells that are Leaving.
//
// # Invariants
//
//  1. A cell's bytes do not move and stay what they are until Free (or Move). What Alloc gives is not cleared.
//  2. The pages of a class that have a free cell and do not leave are exactly those in the class's list.
//  3. A page's used cells, its free list and its untouched rest are all of its cells.
//  4. Cells given out are valid while the Heap is reachable: its maps go with it.
//
// # Who may call
//
// One owner at a time; there is no lock here. unsafe appears in View, BytesOf and hugePiece only.
package slab
