// Publishes a public service, and says what the bus made of it.

import { Bus } from "bus-lamongan-client";

const service = {
  kode_layanan: "dinas-kominfo.konsultasi",
  nama: "Konsultasi data",
  opd: "dinas-kominfo",
  deskripsi: "Bantuan untuk memakai data daerah.",
  sasaran: "umum",
  biaya: 0,
  kanal: [{ jenis: "loket" }],
  status: "aktif",
};

const missing = ["BUS_URL", "BUS_CLIENT_ID", "BUS_CLIENT_SECRET"].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} first.`);
  process.exit(1);
}
const { BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET } = process.env;
const bus = new Bus(BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET, { source: "/dinas-kominfo/portal" });
try {
  const receipt = await bus.publish({ type: "layanan.katalog", subject: service.kode_layanan, data: service });
  console.log(`published: position ${receipt.position}`);
} catch (error) {
  console.error(`not published: ${error.message}`);
  process.exitCode = 1;
}
