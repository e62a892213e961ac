package command

// Flag is what the gates and COMMAND need to know of a command. Names as in Redis.
type Flag uint32

// The flags. Movablekeys is derived from the keys.
const (
	Write Flag = 1 << iota
	ReadOnly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading // may run while the data set is loading
	Stale   // may run on a standby that lost its master
	SkipMonitor
	SkipSlowlog
	Fast
	NoAuth
	MayReplicate
	NoMulti
	NoAsyncLoading
	AllowBusy
	NoMandatoryKeys
	// NoTouch is ours: looking at a key with this command is no use of it, as with Redis' LOOKUP_NOTOUCH.
	NoTouch
)

// flagNames in the order in which Redis' COMMAND lists them. It keeps may_replicate to itself.
var flagNames = [...]struct {
	flag Flag
	name string
}{
	{Write, "write"}, {ReadOnly, "readonly"}, {DenyOOM, "denyoom"}, {Admin, "admin"}, {PubSub, "pubsub"},
	{NoScript, "noscript"}, {Blocking, "blocking"}, {Loading, "loading"}, {Stale, "stale"}, {SkipMonitor, "skip_monitor"},
	{SkipSlowlog, "skip_slowlog"}, {Fast, "fast"}, {NoAuth, "no_auth"},
	{NoMandatoryKeys, "no_mandatory_keys"}, {NoAsyncLoading, "no_async_loading"}, {NoMulti, "no_multi"}, {AllowBusy, "allow_busy"},
}

// Names lists the flags that are set.
func (f Flag) Names() []string {
	var names []string
	for _, row := range flagNames {
		if f&row.flag != 0 {
			names = append(names, row.name)
		}
	}
	return names
}

// Category is a set of ACL categories.
type Category uint32

// The ACL categories. Write, read, admin, dangerous, pubsub, fast, slow and blocking are derived from the flags.
const (
	CategoryKeyspace Category = 1 << iota
	CategoryRead
	CategoryWrite
	CategorySet
	CategorySortedSet
	CategoryList
	CategoryHash
	CategoryString
	CategoryBitmap
	CategoryHyperLogLog
	CategoryGeo
	CategoryStream
	CategoryPubSub
	CategoryAdmin
	CategoryFast
	CategorySlow
	CategoryBlocking
	CategoryDangerous
	CategoryConnection
	CategoryTransaction
	CategoryScripting
)

var categoryNames = [...]string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// Names lists the categories without the leading @.
func (c Category) Names() []string {
	var names []string
	for i, name := range categoryNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// CategoryNames lists all categories, in Redis' order.
func CategoryNames() []string { return categoryNames[:] }

// derivedCategories are those that follow from flags, as Redis sets them.
func derivedCategories(f Flag) Category {
	var c Category
	if f&Write != 0 {
		c |= CategoryWrite
	}
	if f&ReadOnly != 0 {
		c |= CategoryRead
	}
	if f&Admin != 0 {
		c |= CategoryAdmin | CategoryDangerous
	}
	if f&PubSub != 0 {
		c |= CategoryPubSub
	}
	if f&Fast != 0 {
		c |= CategoryFast
	} else {
		c |= CategorySlow
	}
	if f&Blocking != 0 {
		c |= CategoryBlocking
	}
	return c
}
