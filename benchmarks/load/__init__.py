"""Many people at once in real browsers: does anybody see another's film, and does memory return?"""
