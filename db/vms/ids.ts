import { sql } from 'kysely';

/** Numeric id of a machine. @param vmId UUID */
export const idOf = (vmId: string) => sql<number>`(select id from vm_instance where uuid = ${vmId})`;
