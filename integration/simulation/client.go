package simulation

// client writes one thing at a time and tries another node when refused.
type client struct {
	cluster *Cluster
	id      int
	target  int
	try     int // number of the attempt under way; answers to earlier ones are void
	writes  uint64
	lastOK  int64
	open    bool
}

const clientTimeout = 400 * millisecond

// next begins a new write.
func (cl *client) next() {
	cl.writes++
	cl.attempt()
}

func (cl *client) attempt() {
	c := cl.cluster
	cl.try++
	cl.open = true
	try, h := cl.try, c.dataHost(cl.target)
	// A write whose answer was lost may have been done: it is never sent again under the same id.
	id := uint64(cl.id+1)<<48 | uint64(cl.try)
	c.after(c.between(fastest, 2*millisecond), func() {
		if !h.alive {
			cl.reply(try, false)
			return
		}
		h.whenAwake(func() { h.write(id, cl, try) })
	})
	c.after(clientTimeout, func() { cl.reply(try, false) })
}

// reply is a node's answer, or the client's own timeout.
func (cl *client) reply(try int, ok bool) {
	if try != cl.try || !cl.open {
		return
	}
	cl.open = false
	c := cl.cluster
	if ok {
		cl.lastOK = c.now
		c.after(c.between(5*millisecond, 40*millisecond), cl.next)
		return
	}
	cl.target++
	c.after(c.between(5*millisecond, 25*millisecond), cl.attempt)
}
