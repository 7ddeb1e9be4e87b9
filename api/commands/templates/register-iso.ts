import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { imageParameters, readImage } from './image-parameters.ts';
import { flag, required, text } from '../../fields/parameters.ts';
import { register } from './registration.ts';
import { TEMPLATE } from '../../fields/answers/template.ts';

export const registerIso = defineCommand({
  name: 'registerIso',
  description: 'Registers an ISO by its URL; a KVM host checks the URL before the answer.',
  roles: EVERYBODY,
  parameters: {
    ...imageParameters,
    zoneid: required(text('the zone, or -1 for all')),
    bootable: flag('whether a VM can boot from it; true when absent'),
  },
  objects: 'iso',
  response: TEMPLATE,
  async run(context, values) {
    const { image, secrets } = await readImage(context, values, { zoneid: values.zoneid });
    return register(context, secrets, {
      ...image,
      v: 1,
      format: 'ISO',
      bootable: values.bootable ?? true,
      requiresHvm: true,
      sshKeyEnabled: false,
      bits: 64,
    });
  },
});
