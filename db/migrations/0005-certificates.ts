import { type Kysely, sql } from 'kysely';

/** Certificates that hosts trust for downloads, and which host has which. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table direct_download_certificate (
    id bigint generated always as identity primary key,
    uuid uuid not null unique default gen_random_uuid(),
    alias text not null,
    certificate text not null,
    client_certificate text,
    client_key_sealed text,
    digest text not null,
    expires timestamptz not null,
    hypervisor_type text not null default 'KVM',
    zone_id bigint not null references data_center on delete cascade,
    revoked boolean not null default false,
    created timestamptz not null default now())`,
  `create unique index direct_download_certificate_alias
    on direct_download_certificate (zone_id, lower(alias))`,

  `create table direct_download_certificate_host_map (
    id bigint generated always as identity primary key,
    certificate_id bigint not null references direct_download_certificate on delete cascade,
    host_id bigint not null references host on delete cascade,
    revoked boolean,
    wanted boolean,
    error_str text,
    last_updated timestamptz not null default now(),
    unique (certificate_id, host_id))`,
  `create index on direct_download_certificate_host_map (host_id)`,

  `alter table host add column keystore jsonb not null default '[]'`,
];
