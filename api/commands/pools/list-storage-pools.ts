import { findPool, hostsOfPools, listPools } from '../../../db/pools/listing.ts';
import { findHost } from '../hosts/find-host.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { STORAGE_POOL } from '../../fields/answers/host.ts';
import { groupBy } from '../../fields/group-by.ts';
import { POOL_SCOPES } from '../../../model/states.ts';

const POOL_STATES = ['Up', 'Disabled', 'Maintenance'] as const;

export const listStoragePools = defineCommand({
  name: 'listStoragePools',
  description: 'Lists storage pools.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    clusterid: id('those of this cluster'),
    podid: id('those of this pod'),
    hostid: id('those of this host'),
    path: text('those with this folder on one of their hosts'),
    ipaddress: text('those of one host, of the one with this address'),
    scope: choice('HOST, CLUSTER or ZONE', POOL_SCOPES),
    state: choice('Up, Disabled or Maintenance', POOL_STATES),
    status: choice('the same', POOL_STATES),
    almostfull: flag('true: those of which less than a tenth is free, with what is reserved taken for used'),
    ...pagingParameters,
  },
  objects: 'storagepool',
  response: STORAGE_POOL,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findPool(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const clusterIds = await clustersAsked(context, { clusterid: values.clusterid }, { podid: values.podid });
    await checkEntity(context, 'hostid', values.hostid, (uuid) => findHost(db, uuid));
    if (values.state !== undefined && values.status !== undefined && values.state !== values.status)
      return {};
    const query = {
      ...values,
      state: values.state ?? values.status,
      hostId: values.hostid,
      zoneId: values.zoneid,
      clusterIds,
      address: values.ipaddress,
      almostFull: values.almostfull,
    };
    const { count, rows } = await listPools(db, query, page);
    const hosts = groupBy(
      await hostsOfPools(
        db,
        rows.map((row) => row.id),
      ),
      ({ poolId }) => poolId,
    );
    const views = rows.map((row) => ({ ...row, hosts: hosts.get(row.id) ?? [] }));
    return answerList('storagepool', STORAGE_POOL, { count, rows: views }, caller);
  },
});
