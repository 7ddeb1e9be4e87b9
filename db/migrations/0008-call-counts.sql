-- How many calls, and failed logins, were counted in the present window of each caller, for all apis together. A crash of
-- PostgreSQL may empty it: then each window begins anew.

create unlogged table call_count (
  -- 'calls' or 'logins'
  kind text not null,
  -- SHA-256 of the user, or of the name and the address of a login
  caller text not null,
  window_ends timestamptz not null,
  issued integer not null,
  primary key (kind, caller)
);
