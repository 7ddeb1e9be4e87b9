/** The rows of a fleet that has worked for months, written by PostgreSQL itself: a thousand hosts take seconds. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Database } from '../../db/database.ts';
import { createAuthority } from '../../trust/peer-certificates.ts';

export interface FleetSize {
  readonly hosts: number;
  readonly templates: number;
}

/** Each zone has as many hosts, clusters and networks. */
const ZONES = 4;
const CLUSTERS_OF_ZONE = 5;
const ACCOUNTS = 40;
const MACHINES_OF_HOST = 20;
const CERTIFICATES = 5;
const ROLLOUTS = 200;

/** Adds the rows to a database that has at least one account, its user and the offerings of the migrations. */
export async function fillWithFleet(db: Database, size: FleetSize): Promise<void> {
  const { certificate } = await createAuthority(new Date());
  for (const statement of statementsOf(size, certificate)) await statement.execute(db);
  // Counts without a look at the table need its map of visible pages.
  await sql`vacuum analyze`.execute(db);
}

const statementsOf = (
  { hosts, templates }: FleetSize,
  certificate: string,
): readonly RawBuilder<unknown>[] => [
  ...operators,
  ...keys,
  ...hostsAndPools(hosts),
  ...certificates(certificate),
  ...images(templates),
  ...copies,
  ...machines(hosts),
  ...jobs,
  ...history(hosts),
];

const nth = (count: number, n = 'n') => sql`1 + ${sql.raw(n)} % ${sql.lit(count)}`;
const series = (count: number) => sql`generate_series(1, ${sql.lit(count)}) n`;
const ofAccount = sql`(select min(id) from account) + n % ${sql.lit(ACCOUNTS)}`;
const ofUser = sql`(select min(id) from "user") + n % ${sql.lit(ACCOUNTS)}`;
const ago = (interval: string) => sql`now() - random() * ${sql.lit(interval)}::interval`;

const operators = [
  sql`insert into account (account_name, role) select 'account-' || n, 'user' from ${series(ACCOUNTS)}`,
  sql`
    insert into "user" (account_id, username)
    select id, account_name from account where account_name like 'account-%' order by id`,
  sql`insert into data_center (name) select 'zone-' || n from ${series(ZONES)}`,
  sql`
    insert into cluster (name, data_center_id)
    select 'cluster-' || n, zone.id from ${series(CLUSTERS_OF_ZONE)}, data_center zone where zone.name like 'zone-%'`,
  sql`
    insert into networks (name, display_text, network_offering_id, data_center_id, account_id, acl_type)
    select 'network-' || n, 'a network', 1, zone.id, ${ofAccount}, 'Domain'
    from ${series(10)}, data_center zone where zone.name like 'zone-%'`,
];

const keys = [
  sql`
    insert into ssh_keypair (account_id, name, public_key, fingerprint)
    select id, 'key-' || n, 'ssh-ed25519', 'fingerprint-' || n from account, ${series(3)}`,
  sql`insert into instance_group (account_id, name) select id, 'group-' || n from account, ${series(3)}`,
];

const hypervisor = sql`jsonb_build_object('libvirt', '9.0.0', 'accelerator', 'kvm', 'cpus', 64, 'cpuSpeed', 2400,
  'memory', 549755813888, 'firmware', jsonb_build_array('LEGACY'),
  'networks', jsonb_build_array(jsonb_build_object('name', 'guest', 'kind', 'bridge', 'vlan', true)))`;
const peer = sql`jsonb_build_object('address', '192.0.2.1:7443', 'uploads', 4, 'rate', 0, 'certificateRequest', 'x',
  'certificateEnds', now() + interval '7 days', 'trusted', 'x')`;
const capabilities = sql`jsonb_build_object('protocols', jsonb_build_array('http', 'https', 'metalink'),
  'formats', jsonb_build_array('QCOW2', 'RAW', 'ISO'), 'unpacks', '[]'::jsonb, 'features',
  jsonb_build_array('policy', 'timeouts', 'limits', 'certificates', 'queries', 'vms', 'peers', 'poolFiles', 'pacedHash', 'healing'))`;

/** They stay Up for as long as a test can take. */
const hostsAndPools = (hosts: number) => [
  sql`
    insert into host (uuid, name, private_ip_address, data_center_id, cluster_id, resource_state, signing_key, sealing_key,
      version, hypervisor, peer, capabilities, reported, report_requested, worker_heartbeat, last_seen, joined_at)
    select gen_random_uuid(), 'host-' || n, '192.0.2.' || n % 250, cluster.data_center_id, cluster.id, 'Enabled',
      'key-' || n, translate(rtrim(encode(sha256(('key-' || n)::bytea), 'base64'), '='), '+/', '-_'), '0.2.0', ${hypervisor}, ${peer}, ${capabilities}, ${ago('10 minutes')},
      ${ago('10 minutes')}, '{}', now() + interval '1 day', now() - interval '30 days'
    from ${series(hosts)} join (select cluster.*, row_number() over (order by id) as place from cluster) cluster
      on cluster.place = ${nth(ZONES * CLUSTERS_OF_ZONE)}`,
  sql`
    insert into storage_pool (uuid, name, pool_type, scope, data_center_id, cluster_id, capacity_bytes, free_bytes, reported)
    select gen_random_uuid(), 'local-' || name, 'Filesystem', 'HOST', data_center_id, cluster_id, 4e12, 2e12, now()
    from host order by id`,
  sql`
    insert into storage_pool (uuid, name, pool_type, scope, data_center_id, cluster_id, capacity_bytes, free_bytes, reported)
    select gen_random_uuid(), 'shared-' || id, 'SharedMountPoint', 'CLUSTER', data_center_id, id, 4e13, 2e13, now()
    from cluster order by id`,
  sql`
    insert into storage_pool_host_ref (pool_id, host_id, local_path, mounted)
    select pool.id, host.id, '/var/lib/bypass/' || pool.name, true
    from storage_pool pool join host on pool.name = 'local-' || host.name
      or (pool.scope = 'CLUSTER' and pool.cluster_id = host.cluster_id)`,
];

const certificates = (pem: string) => [
  sql`
    insert into direct_download_certificate (alias, certificate, digest, expires, zone_id)
    select 'mirror-' || n, ${pem}, 'digest-' || n, now() + interval '20 days', zone.id
    from ${series(CERTIFICATES)}, data_center zone where zone.name like 'zone-%'`,
  sql`
    insert into direct_download_certificate_host_map (certificate_id, host_id, revoked)
    select c.id, host.id, false from direct_download_certificate c join host on host.data_center_id = c.zone_id`,
  sql`
    update host set keystore = (
      select coalesce(jsonb_agg(jsonb_build_object('alias', alias, 'digest', digest)), '[]')
      from direct_download_certificate where zone_id = host.data_center_id)`,
];

const images = (templates: number) => [
  sql`
    insert into vm_template (uuid, unique_name, name, display_text, public, featured, url, format, checksum, size,
      virtual_size, state, guest_os_id, account_id)
    select gen_random_uuid(), 'template-' || n, 'template-' || n, 'The template ' || n, n % 3 = 0, n % 9 = 0,
      'https://mirror-' || n % 7 || '.example/template-' || n || '.qcow2', case when n % 10 = 0 then 'ISO' else 'QCOW2' end,
      '{SHA-256}' || repeat('ab', 32), 1e9, 2e9, 'Active', ${nth(20)}, ${ofAccount}
    from ${series(templates)}`,
  sql`
    insert into template_zone_ref (template_id, zone_id)
    select template.id, zone.id from vm_template template, data_center zone where zone.name like 'zone-%'`,
  sql`insert into template_store_ref (template_id, size) select id, size from vm_template`,
  sql`
    insert into template_mirror (template_id, url, priority, size, ranges, reachable)
    select id, url || '?' || n, n, size, true, true from vm_template, ${series(3)}`,
  sql`
    insert into resource_tag (template_id, key, value)
    select id, 'key-' || n, 'value-' || n from vm_template, ${series(5)}`,
  sql`
    insert into launch_permission (template_id, account_id)
    select template.id, account.id from vm_template template join account on account.id % 10 = template.id % 10`,
  sql`
    insert into image_lineage (lineage, template_id, sha256)
    select gen_random_uuid(), id, repeat('ab', 32) from vm_template, ${series(20)}`,
];

/** Every template on the pool of every host: 98 of 100 are ready. */
const copies = [
  sql`
    insert into template_spool_ref (template_id, pool_id, state, download_state, template_size, physical_size, sha256,
      verified, depth, lineage, error_kind, error_str, fetching, fetch_host_id, source_asked, source_priority, idle_since, last_updated)
    select template_id, pool_id, state,
      case state when 'Ready' then 'DOWNLOADED' when 'Failed' then 'DOWNLOAD_ERROR' when 'Creating'
        then 'DOWNLOAD_IN_PROGRESS' else 'NOT_DOWNLOADED' end, 1e9,
      case state when 'Ready' then 1e9 else 0 end,
      case state when 'Ready' then encode(sha256(template_id::text::bytea), 'hex') end,
      case state when 'Ready' then ${ago('60 days')} end,
      case state when 'Ready' then 1 end, case state when 'Ready' then lineage end,
      case when state = 'Failed' then 'SourceGone' when n % 997 = 0 and state = 'Ready' then 'ContentRefused' end,
      case when state = 'Failed' then 'the source is gone' end,
      case when state = 'Creating' and n % 3 > 0 then case n % 3 when 1 then 'origin' else 'peer' end end,
      host_id, case when state = 'Creating' and n % 3 = 0 then now() end, case when state = 'Creating' then 3 end,
      case when n % 50 = 0 then ${ago('40 days')} end, ${ago('60 days')}
    from (
      select template.id as template_id, pool.id as pool_id, host.host_id, place as n, lineage.lineage,
        case when place % 200 = 0 then 'Creating' when place % 100 = 1 then 'Failed' when place % 400 = 2 then 'Allocated'
          else 'Ready' end as state
      from (
        select template.id, row_number() over (order by id) as t from vm_template template) template
      cross join (select id, row_number() over (order by id) as p from storage_pool where scope = 'HOST') pool
      join storage_pool_host_ref host on host.pool_id = pool.id
      join lateral (select template.t * 7 + pool.p * 13 as place) place on true
      left join lateral (select lineage from image_lineage where template_id = template.id limit 1) lineage on true) wanted`,
  // Of every second image, hashes of pieces are known.
  sql`
    insert into image_pieces (sha256, size, piece_length, hashes)
    select distinct sha256, 1000000000, 4194304, repeat(sha256, 239) from template_spool_ref
    where sha256 is not null and template_id % 2 = 0`,
  sql`
    insert into pool_reservation (copy_id, pool_id, bytes)
    select id, pool_id, template_size from template_spool_ref where state = 'Creating'`,
  sql`
    insert into download_attempt (uuid, copy_id, host_id, host_name, sequence, source, started, ended, bytes, failure_kind)
    select gen_random_uuid(), id, fetch_host_id, 'a host', 0, 'https://mirror.example/', last_updated - interval '1 minute',
      last_updated, 1e9, case state when 'Failed' then 'SourceGone' end
    from template_spool_ref where state <> 'Allocated'`,
];

const machines = (hosts: number) => [
  sql`
    insert into vm_instance (name, display_name, instance_name, account_id, user_id, data_center_id, host_id, last_host_id,
      service_offering_id, cpu, ram_size, template_id, iso_id, guest_os_id, state, power_state, destroyed, removed)
    select 'vm-' || n, 'vm-' || n, 'i-2-' || n || '-VM', ${ofAccount}, ${ofUser}, host.data_center_id,
      case when removed is null and n % 10 > 0 then host.id end, host.id, ${nth(2)}, 1, 512,
      template.id, case when n % 500 = 0 then template.id end, ${nth(20)},
      case when removed is not null then 'Expunging' when n % 100 = 0 then 'Destroyed' when n % 10 = 0 then 'Stopped' else 'Running' end,
      case when n % 10 = 0 then 'PowerOff' else 'PowerOn' end, case when n % 100 = 0 then now() end, removed
    from generate_series(0, ${sql.lit(hosts * MACHINES_OF_HOST - 1)}) n
    join lateral (select case when n % 4 = 1 then now() - interval '9 days' end as removed) gone on true
    join (select id, data_center_id, row_number() over (order by id) as place from host) host
      on host.place = 1 + n / ${sql.lit(MACHINES_OF_HOST)}
    join (select id, row_number() over (order by id) as place from vm_template where format <> 'ISO') template
      on template.place = 1 + n % (select count(*) from vm_template where format <> 'ISO')`,
  sql`
    insert into volumes (name, account_id, data_center_id, vm_id, pool_id, template_id, size, physical_size, state, removed)
    select 'ROOT-' || vm.id, vm.account_id, vm.data_center_id, vm.id, case when vm.removed is null then pool.id end,
      vm.template_id, 2e9, 1e9, case when vm.removed is null then 'Ready' else 'Expunging' end, vm.removed
    from vm_instance vm join host on host.id = vm.last_host_id join storage_pool pool on pool.name = 'local-' || host.name`,
  sql`
    insert into nics (vm_id, network_id, device_id, default_nic, mac_address, ip4_address, removed)
    select vm.id, network.id, 0, true, 'mac-' || vm.id, '192.0.2.7', vm.removed
    from vm_instance vm join lateral (
      select id from networks where data_center_id = vm.data_center_id order by (id + vm.id) % 10 limit 1) network on true`,
  sql`
    insert into vm_tag (vm_id, key, value)
    select id, 'key-' || n, 'value-' || id % 50 from vm_instance, ${series(2)} where removed is null order by id, n`,
  sql`
    insert into network_tag (network_id, key, value) select id, 'key', 'value' from networks`,
];

/** Roll-outs of every template to every host, all but two ended; and jobs about one thing. */
const jobs = [
  sql`
    insert into async_job (account_id, user_id, job_cmd, job_status, job_result, instance_type, instance_uuid, created, completed)
    select 1, 1, 'prepareTemplate', case when n <= 2 then 0 else 1 end, '{}', 'Template', template.uuid,
      now() - make_interval(hours => n), case when n > 2 then now() - make_interval(hours => n) end
    from ${series(ROLLOUTS)} join (select *, row_number() over (order by id) as place from vm_template) template
      on template.place = 1 + n % (select count(*) from vm_template)`,
  sql`
    insert into template_rollout (job_id, template_id, zone_id, selection, origin)
    select job.id, template.id, (select min(zone_id) from template_zone_ref), 'zone', 'mirror.example'
    from async_job job join vm_template template on template.uuid = job.instance_uuid`,
  sql`
    insert into async_job_copy (job_id, template_uuid, pool_uuid, settled, turn, begun)
    select job.id, job.instance_uuid, pool.uuid, case when job.job_status = 1 or pool.id % 3 = 0 then now() end,
      case when job.job_status = 1 or pool.id % 3 = 0 then 'begun' when pool.id % 30 = 1 then 'due' else 'queued' end, now()
    from async_job job, storage_pool pool where pool.scope = 'HOST'`,
  sql`
    insert into async_job (account_id, user_id, job_cmd, job_status, job_result, instance_type, instance_uuid, created, completed)
    select account_id, user_id, case when id % 2 = 0 then 'deployVirtualMachine' else 'stopVirtualMachine' end,
      case when id % 400 = 0 then 0 when id % 50 = 1 then 2 else 1 end, '{}', 'VirtualMachine', uuid,
      now() - make_interval(mins => (id % 1440)::integer), case when id % 400 > 0 then now() - make_interval(mins => (id % 1440)::integer) end
    from vm_instance, ${series(3)}`,
  sql`
    insert into async_job (account_id, user_id, job_cmd, job_status, job_result, instance_type, instance_uuid, created, completed)
    select 1, 1, 'cleanupStoragePool', case when id % 200 = 0 then 0 else 1 end, '{}', 'StoragePool', uuid,
      ${ago('1 day')}, case when id % 200 > 0 then now() end
    from storage_pool`,
];

const history = (hosts: number) => [
  sql`
    insert into event (type, level, state, description, user_id, account_id, resource_type, resource_uuid, created)
    select (array['TEMPLATE.DIRECT.DOWNLOAD', 'TEMPLATE.CREATE', 'TEMPLATE.COPY.VERIFY'])[1 + (copy.id % 3)::integer],
      case when copy.id % 100 = 0 then 'ERROR' when copy.id % 30 = 0 then 'WARN' else 'INFO' end,
      case when copy.id % 20 = 0 then 'Started' else 'Completed' end, 'Template ' || template.name || ' is on a pool',
      1 + copy.id % 3, template.account_id, 'VirtualMachineTemplate', template.uuid, ${ago('90 days')}
    from template_spool_ref copy join vm_template template on template.id = copy.template_id`,
  sql`
    insert into event (type, level, state, description, user_id, account_id, resource_type, resource_uuid, created)
    select 'VM.START', 'INFO', 'Completed', 'Virtual machine ' || name || ' runs', user_id, account_id, 'VirtualMachine',
      uuid, ${ago('90 days')}
    from vm_instance, ${series(3)}`,
  sql`
    insert into storage_pool_file (pool_id, name, finding, role, file_type, size, physical_size, inode, modified, look)
    select id, 'file-' || n, case when n % 2 = 0 then 'unknown' else 'leftover' end, 'other', 'file', 1e6, 1e6, n, now(),
      gen_random_uuid()
    from storage_pool, ${series(10)}`,
  sql`
    insert into counted_attempt (attempt, account_id, bytes, counted)
    select uuid, 1, bytes, ${ago('1 day')} from download_attempt where id % 4 = 0`,
  sql`
    insert into throughput_sample (minute, account_id, bytes)
    select date_trunc('minute', now()) - make_interval(mins => n), account.id, 1e9 from ${series(180)}, account`,
  sql`
    insert into call_count (kind, caller, window_ends, issued)
    select 'logins', 'caller-' || n, ${ago('1 day')}, 1 from ${series(8 * hosts)}`,
  sql`
    insert into session (token_hash, key_hash, user_id, last_used)
    select 'token-' || n, 'key-' || n, ${ofUser}, ${ago('1 day')} from ${series(8 * hosts)}`,
];
