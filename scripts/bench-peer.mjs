// Boot an image in rp2040js, type a line at the prompt, print how long both took: `boot SECONDS loop SECONDS`.
// usage: node bench-peer.mjs BOOTROM IMAGE LINE
import fs from 'node:fs';
import { ConsoleLogger, LogLevel, Simulator, USBCDC } from 'rp2040js';

const [bootrom, image, line] = process.argv.slice(2);
const simulator = new Simulator();
const mcu = simulator.rp2040;
mcu.logger = new ConsoleLogger(LogLevel.Error, false);
const rom = fs.readFileSync(bootrom);
mcu.loadBootrom(new Uint32Array(rom.buffer.slice(rom.byteOffset, rom.byteOffset + rom.length)));

const uf2 = fs.readFileSync(image);
for (let at = 0; at + 512 <= uf2.length; at += 512) {
  const address = uf2.readUInt32LE(at + 12);
  const size = uf2.readUInt32LE(at + 16);
  mcu.flash.set(uf2.subarray(at + 32, at + 32 + size), address - 0x10000000);
}

const cdc = new USBCDC(mcu.usbCtrl);
const type = (text) => [...text].forEach((c) => cdc.sendSerialByte(c.charCodeAt(0)));
const start = performance.now();
const since = (from) => ((performance.now() - from) / 1000).toFixed(3);
let seen = '';
let boot;
let typed;
let state = 'boot';
cdc.onSerialData = (data) => {
  seen += Buffer.from(data).toString('latin1');
  if (state === 'boot' && seen.includes('enter the REPL')) {
    boot = since(start);
    state = 'enter';
    seen = '';
    type('\r');
  } else if (state === 'enter' && seen.includes('>>> ')) {
    state = 'loop';
    seen = '';
    typed = performance.now();
    type(line + '\r');
  } else if (state === 'loop' && seen.includes('>>> ')) {
    console.log(`boot ${boot} loop ${since(typed)}`);
    process.exit(0);
  }
};
cdc.onDeviceConnected = () => {};
setTimeout(() => process.exit(3), 300000);
mcu.core.PC = 0x10000000;
simulator.execute();
