"""The data-exchange bus of Kabupaten Lamongan; it knows no agency."""
