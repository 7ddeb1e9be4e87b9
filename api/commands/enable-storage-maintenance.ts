import { storageMaintenanceCommand } from '../storage-maintenance.ts';

export const enableStorageMaintenance = storageMaintenanceCommand({
  name: 'enableStorageMaintenance',
  description: 'Lets nothing new be deployed to a storage pool. Downloads that run go on.',
  to: 'Maintenance',
});
