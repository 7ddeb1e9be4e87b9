import { hostMaintenanceCommand } from '../host-maintenance.ts';

export const cancelHostMaintenance = hostMaintenanceCommand({
  name: 'cancelHostMaintenance',
  description: 'Ends the maintenance of a host: it gets downloads again.',
  from: 'Maintenance',
  to: 'Enabled',
});
