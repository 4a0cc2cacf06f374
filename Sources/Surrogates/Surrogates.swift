// The Surrogates room.
