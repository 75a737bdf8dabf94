// The page of one item.

import { Details } from "./details.js";
import { beaconName } from "./format.js";
import { Frame } from "./frame.js";
import { get } from "./http.js";

const MOST_BEACONS = 500;
const hash = document.body.dataset.hash;
let beacons = new Map();

const details = new Details((id) => beaconName(id, beacons));

async function read() {
  const named = await get(`/Beacon?limit=${MOST_BEACONS}`).catch(() => []);
  beacons = new Map(named.map((beacon) => [beacon.BeaconID, beacon]));
  await details.open(hash);
}

const frame = new Frame({
  read,
  happened: (event) => {
    details.heard(event.Payload.WorkItemHash ?? "");
    return event.Topic.startsWith("beacon.");
  },
});
frame.start();
setInterval(() => document.hidden || details.tick(), 1_000);
