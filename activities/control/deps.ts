/** What the control activities work with. */
import type { Database } from '../../db/database.ts';
import type { Protocols } from '../../model/protocols.ts';
import type { Orchestration } from '../../orchestration/orchestration.ts';
import type { MasterKey } from '../../trust/master-key.ts';

export interface ControlDeps {
  /** The protocols that hosts fetch by. */
  readonly protocols: Protocols;
  readonly db: Database;
  readonly orchestration: Orchestration;
  readonly masterKey: MasterKey;
}
