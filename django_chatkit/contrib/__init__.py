"""What knows a library that not every project has. Nothing here is imported unless you name it."""
