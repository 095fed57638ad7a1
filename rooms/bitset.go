package rooms

// bitset is a set of member slots.
type bitset []uint64

// testAndSet adds slot and tells whether it was there.
func (b bitset) testAndSet(slot uint32) bool {
	word, bit := &b[slot/64], uint64(1)<<(slot%64)
	was := *word&bit != 0
	*word |= bit
	return was
}
