-- Damaged copies are healed piece by piece.

-- Hashes of the pieces of a published image, from the first copy that a verification found right. Kept while there is a copy of it.
create table image_pieces (
  -- Of the image, hexadecimal.
  sha256 text primary key,
  -- Bytes of the image, and of each piece but the last.
  size bigint not null check (size > 0),
  piece_length bigint not null check (piece_length > 0),
  -- SHA-256 of each piece, hexadecimal, one after the other: less than 64 kB.
  hashes text not null,
  created timestamptz not null default now()
);
create index template_spool_ref_sha256 on template_spool_ref (sha256) where sha256 is not null;
