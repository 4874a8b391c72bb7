//! From what was used to what it costs.

use serde::{Deserialize, Serialize};

use super::prices::{OnDemand, OnDemandAdvantage, PriceBasis, Provisioned};

/// What a stream, or a run on one, uses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// How long the stream is there.
    pub hours: f64,
    /// Its shards.
    pub shards: u64,
    /// Begun 25 KB of records put.
    pub payload_units: f64,
    /// Bytes put, each record rounded up to a KiB.
    pub in_rounded_bytes: f64,
    /// Bytes put.
    pub in_bytes: f64,
    /// Bytes read by `GetRecords`.
    pub out_bytes: f64,
    /// Registered fan-out consumers.
    pub fan_out_consumers: u64,
    /// Bytes read by `SubscribeToShard`, over all consumers.
    pub fan_out_bytes: f64,
    /// How long records are kept.
    pub retention_hours: f64,
}

/// How a stream is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By shards.
    Provisioned,
    /// By what goes in and out.
    OnDemand,
    /// By what goes in and out, less, with a commitment of the account.
    OnDemandAdvantage,
}

impl Mode {
    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::OnDemand => "on-demand",
            Self::OnDemandAdvantage => "on-demand Advantage",
        }
    }
}

/// What it costs in one mode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// How it is paid for.
    pub mode: Mode,
    /// What adds up.
    pub lines: Vec<Line>,
    /// The sum.
    pub total: f64,
}

/// One position of a bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// What it is for.
    pub what: &'static str,
    /// How much of it.
    pub quantity: f64,
    /// In what.
    pub unit: &'static str,
    /// Of one.
    pub price: f64,
    /// Quantity × price.
    pub cost: f64,
}

const GB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

/// How long records are kept at no extra charge.
pub const RETENTION_HOURS_INCLUDED: f64 = 24.0;
/// From here on retention counts as long-term.
pub const RETENTION_HOURS_EXTENDED_MAX: f64 = 7.0 * 24.0;

impl Usage {
    /// A bill for each mode the price list knows.
    #[must_use]
    pub fn bills(&self, basis: &PriceBasis) -> Vec<Bill> {
        let prices = &basis.prices;
        let month = basis.hours_per_month;
        let mut bills = vec![
            Bill::of(Mode::Provisioned, self.provisioned(&prices.provisioned, month)),
            Bill::of(Mode::OnDemand, self.on_demand(&prices.on_demand, month)),
        ];
        if let Some(prices) = &prices.on_demand_advantage {
            bills.push(Bill::of(Mode::OnDemandAdvantage, self.advantage(prices, month)));
        }
        bills
    }

    /// The bill in one mode; none if the price list does not know it.
    #[must_use]
    pub fn bill(&self, mode: Mode, basis: &PriceBasis) -> Option<Bill> {
        self.bills(basis).into_iter().find(|bill| bill.mode == mode)
    }

    fn provisioned(&self, prices: &Provisioned, month: f64) -> Vec<Line> {
        let shard_hours = self.shards as f64 * self.hours;
        let consumer_hours = shard_hours * self.fan_out_consumers as f64;
        let extended =
            if self.retention_hours > RETENTION_HOURS_INCLUDED { shard_hours } else { 0.0 };
        let unit_price = prices.million_put_payload_units / 1e6;
        vec![
            line("shards", shard_hours, "shard-hours", prices.shard_hour),
            line("PUT payload units", self.payload_units, "units", unit_price),
            line(
                "fan-out consumers",
                consumer_hours,
                "consumer-shard-hours",
                prices.fan_out_consumer_shard_hour,
            ),
            line("fan-out reads", self.fan_out_bytes / GB, "GB", prices.fan_out_gb),
            line(
                "extended retention",
                extended,
                "shard-hours",
                prices.extended_retention_shard_hour,
            ),
            line(
                "long-term retention",
                self.long_term_gb_months(month),
                "GB-months",
                prices.long_term_retention_gb_month,
            ),
        ]
    }

    fn on_demand(&self, prices: &OnDemand, month: f64) -> Vec<Line> {
        vec![
            line("stream", self.hours, "stream-hours", prices.stream_hour),
            line("data in", self.in_rounded_bytes / GB, "GB", prices.in_gb),
            line("data out", self.out_bytes / GB, "GB", prices.out_gb),
            line("fan-out reads", self.fan_out_bytes / GB, "GB", prices.fan_out_gb),
            line(
                "extended retention",
                self.extended_gb_months(month),
                "GB-months",
                prices.extended_retention_gb_month,
            ),
            line(
                "long-term retention",
                self.long_term_gb_months(month),
                "GB-months",
                prices.long_term_retention_gb_month,
            ),
        ]
    }

    fn advantage(&self, prices: &OnDemandAdvantage, month: f64) -> Vec<Line> {
        let committed_bytes = prices.committed_mib_per_second * MIB * self.hours * 3_600.0;
        let kept = self.extended_gb_months(month) + self.long_term_gb_months(month);
        // The commitment is the account's. One stream alone must carry all of it;
        // reads by fan-out count towards it, as a bill that AWS published shows.
        let not_in = (committed_bytes - self.in_rounded_bytes).max(0.0);
        let not_out = (committed_bytes - self.out_bytes - self.fan_out_bytes).max(0.0);
        vec![
            line("data in", self.in_rounded_bytes / GB, "GB", prices.in_gb),
            line("data out", self.out_bytes / GB, "GB", prices.out_gb),
            line("fan-out reads", self.fan_out_bytes / GB, "GB", prices.fan_out_gb),
            line("retention beyond 24 h", kept, "GB-months", prices.retention_gb_month),
            line("committed, not put", not_in / GB, "GB", prices.in_gb),
            line("committed, not read", not_out / GB, "GB", prices.out_gb),
        ]
    }

    /// What is kept between 24 hours and 7 days, as GB for a month.
    fn extended_gb_months(&self, month: f64) -> f64 {
        let until = self.retention_hours.min(RETENTION_HOURS_EXTENDED_MAX);
        self.in_bytes / GB * (until - RETENTION_HOURS_INCLUDED).max(0.0) / month
    }

    /// What is kept beyond 7 days.
    fn long_term_gb_months(&self, month: f64) -> f64 {
        let beyond = (self.retention_hours - RETENTION_HOURS_EXTENDED_MAX).max(0.0);
        self.in_bytes / GB * beyond / month
    }
}

impl Bill {
    fn of(mode: Mode, mut lines: Vec<Line>) -> Self {
        lines.retain(|line| line.quantity > 0.0);
        let total = lines.iter().map(|line| line.cost).sum();
        Self { mode, lines, total }
    }
}

fn line(what: &'static str, quantity: f64, unit: &'static str, price: f64) -> Line {
    Line { what, quantity, unit, price, cost: quantity * price }
}
