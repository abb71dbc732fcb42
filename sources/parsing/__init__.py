"""What was fetched turned into documents: formats, encodings, and limits on what strangers wrote."""
