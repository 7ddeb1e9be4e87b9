import { storageMaintenanceCommand } from '../storage-maintenance.ts';

export const cancelStorageMaintenance = storageMaintenanceCommand({
  name: 'cancelStorageMaintenance',
  description: 'Ends the maintenance of a storage pool.',
  to: 'Up',
});
