"""What every package stands on: settings, files, threads, progress."""
