// The Campaign room.
