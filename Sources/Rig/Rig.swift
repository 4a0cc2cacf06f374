// The Rig room.
