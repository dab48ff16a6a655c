"""Icons on the desktop and in the menu of programs, a file for each system."""
