/** The settings of `npm start` and `npm run cluster` alone: what they run, where they keep it, and on which ports. */
import { setting } from './setting.ts';

export const START_SETTINGS = {
  engine: setting(
    ['dev'],
    'BYPASS_ENGINE',
    '--engine',
    'development',
    "`development`: Temporal's development server; `cluster`: Temporal Server on PostgreSQL as in production, with two frontends (`npm run cluster`)",
  ),
  dataDir: setting(['dev'], 'BYPASS_DATA_DIR', '--data-dir', '.bypass', 'folder of all state of `npm start`'),
  hosts: setting(['dev'], 'BYPASS_HOSTS', '--hosts', '1', 'how many host workers `npm start` runs'),
  apis: setting(['dev'], 'BYPASS_APIS', '--apis', '1', 'how many apis `npm start` runs; the cluster: 2'),
  controls: setting(
    ['dev'],
    'BYPASS_CONTROLS',
    '--controls',
    '1',
    'how many control workers `npm start` runs; the cluster: 2',
  ),
  temporalPort: setting(
    ['dev'],
    'BYPASS_TEMPORAL_PORT',
    '--temporal-port',
    '7233',
    "port of Temporal's gRPC",
  ),
  temporalUiPort: setting(
    ['dev'],
    'BYPASS_TEMPORAL_UI_PORT',
    '--temporal-ui-port',
    '0',
    "port of Temporal's Web UI; 0 takes a free one, which a page that means harm does not know",
  ),
  postgresPort: setting(
    ['dev'],
    'BYPASS_POSTGRES_PORT',
    '--postgres-port',
    '5433',
    'port of the embedded PostgreSQL',
  ),
  readyFile: setting(
    ['dev'],
    'BYPASS_READY_FILE',
    '--ready-file',
    '',
    'file (JSON, mode 0600) written once everything answers, and removed last',
  ),
} as const;
