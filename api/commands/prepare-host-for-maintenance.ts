import { hostMaintenanceCommand } from '../host-maintenance.ts';

export const prepareHostForMaintenance = hostMaintenanceCommand({
  name: 'prepareHostForMaintenance',
  description: 'Gives a host no new downloads, until the maintenance is over. Those that run go on.',
  from: 'Enabled',
  to: 'Maintenance',
});
