import { Refusal, startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { machine, machines } from './machines.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const web1 = machine('web1');
const ESC = '\x1b';
/** A console to which the guest writes a piece before each call. */
function consoleOf(pieces: readonly string[]) {
  let written = '';
  let looks = 0;
  return {
    getVirtualMachineConsoleLog: () => {
      written += pieces[looks] ?? '';
      looks += 1;
      const all = Buffer.from(written, 'latin1');
      const output = all.subarray(-64).toString();
      return {
        consolelog: { virtualmachineid: web1.id, output, size: all.length, truncated: all.length > 64 },
      };
    },
  };
}

let api: ApiServer;
beforeEach(async () => {
  api = await startApi(machines({ machines: [web1] }));
});
afterEach(() => api.close());

const run = (line: string, options?: RunOptions): Promise<Ran> => bypass(api, line.split(' '), options);

describe('bypass vm log', () => {
  test('prints text alone: nothing of a guest steers the terminal', async () => {
    api.answer(consoleOf([`${ESC}]0;title\x07[${ESC}[32mOK${ESC}[0m]\r\nlogin: `]));
    expect(await run('vm log web1 --bytes 100')).toEqual({ code: 0, stdout: '[OK]\nlogin: \n', stderr: '' });
    expect(api.called('getVirtualMachineConsoleLog')[0]).toMatchObject({
      virtualmachineid: web1.id,
      bytes: '100',
    });
  });

  test('as JSON it is the answer of the api; an empty log says so', async () => {
    api.answer(consoleOf(['', 'x']));
    expect((await run('vm log web1')).stderr).toBe('web1 has written nothing to its serial console\n');
    expect(JSON.parse((await run('vm log web1 --json')).stdout)).toMatchObject({ output: 'x', size: 1 });
    expect(await run('vm log web1 -f --json')).toMatchObject({ code: 2 });
  });

  test('-f prints each byte once, until Ctrl-C; sequences may be torn between looks', async () => {
    api.answer(consoleOf(['one\r\n', '', '\xff\xfe', `tw${ESC}[3`, '1mo\r\n', `${'x'.repeat(100)}\r\nend`]));
    const { code, stdout, stderr } = await run('vm log web1 -f', {
      onStart: (interrupt, { stdout: screen }) =>
        void screen.on('written', (text: string) => text.endsWith('end') && setImmediate(interrupt)),
    });
    expect(code).toBe(130);
    expect(stdout).toBe(`one\n\ufffd\ufffdtwo\n${'x'.repeat(59)}\nend`);
    expect(stderr).toBe('(41 B were written too fast to be shown)\n');
  });

  test('-f ends with the reason when the api refuses', async () => {
    const { getVirtualMachineConsoleLog: look } = consoleOf(['one\n']);
    let looks = 0;
    api.answer({
      getVirtualMachineConsoleLog: () => {
        if ((looks += 1) > 1) throw new Refusal(530, 'host kvm-1 is down');
        return look();
      },
    });
    expect(await run('vm log web1 -f')).toEqual({
      code: 1,
      stdout: 'one\n',
      stderr: 'bypass: host kvm-1 is down\n',
    });
  });
});
