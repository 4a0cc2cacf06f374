// The Spectra room.
