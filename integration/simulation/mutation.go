package simulation

// The mutations: each breaks one rule that the protocol or a driver must keep.
// To add one: a name here, a row in Mutations, the place that asks mutated().
const (
	IgnoreFence    Mutation = "a master goes on when its lease has ended or it is told to fence"
	SkipPersist    Mutation = "a ballot is not on disk when the vote is sent"
	ForgetPromise  Mutation = "a voter forgets at a restart to whom it has promised"
	IgnoreCommit   Mutation = "replies do not wait for the in-sync standbys"
	AckUnseen      Mutation = "a standby acknowledges what it does not have"
	NoDoubt        Mutation = "a killed node trusts its data"
	WildClocks     Mutation = "clocks differ by more than the drift margin"
	FalseGone      Mutation = "a living process is taken for dead"
	ReuseHistory   Mutation = "a new reign goes on under the old history id"
	AlwaysContinue Mutation = "a master continues whatever it is asked for"
	SkipSync       Mutation = "a master leaves a standby out before its own log is synced"
	TrustWish      Mutation = "the commit point follows a wish before the voters have recorded it"
	ForgetRecord   Mutation = "a voter forgets the in-sync record at a restart"
)

// Mutations lists them with a variant that each of them endangers.
func Mutations() map[Mutation]Variant {
	return map[Mutation]Variant{
		IgnoreFence: WitnessSync, SkipPersist: ThreeSync, ForgetPromise: WitnessAsync, IgnoreCommit: WitnessSync,
		AckUnseen: WitnessSync, NoDoubt: WitnessSync, WildClocks: WitnessAsync, FalseGone: WitnessAsync,
		ReuseHistory: WitnessAsync, AlwaysContinue: WitnessAsync, TrustWish: WitnessSync, ForgetRecord: ThreeSync, SkipSync: ThreeSync,
	}
}
