"""Where documents come from: a module a source. What several of them use lies in the folders, each a subject."""
