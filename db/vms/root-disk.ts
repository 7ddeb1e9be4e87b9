/** Which volume of a machine is its root disk. */
import { sql, type SqlBool } from 'kysely';

/** Joins rows `vm` and `volume`. */
export const isRootDisk = sql<SqlBool>`(
  volume.vm_id = vm.id and volume.removed is null and volume.volume_type = 'ROOT')`;
