//! What only the SQLite file can show: its lock, a crash of its process, a full disk, and the age of its keys.
