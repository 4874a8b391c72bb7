//! What AWS charges, by Region, from one dated file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::PlanError;

/// The file that comes with the program.
const PUBLISHED: &str = include_str!("prices.json");

/// A price list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The day for which they are known to hold.
    pub as_of: String,
    /// The page that has the authority.
    pub source: String,
    /// Where the figures were found and compared, if not on that page.
    #[serde(default)]
    pub checked_against: Vec<String>,
    /// Of all amounts.
    pub currency: String,
    /// What a month is taken for.
    pub hours_per_month: f64,
    /// By Region name.
    pub regions: BTreeMap<String, RegionPrices>,
}

/// The prices of one Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionPrices {
    /// Streams of a fixed number of shards.
    pub provisioned: Provisioned,
    /// Streams that grow by themselves.
    pub on_demand: OnDemand,
    /// The same with a commitment of the account; none where it is not known.
    #[serde(default)]
    pub on_demand_advantage: Option<OnDemandAdvantage>,
}

/// Prices of provisioned streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisioned {
    /// One shard for an hour.
    pub shard_hour: f64,
    /// A million begun 25 KB of records put.
    pub million_put_payload_units: f64,
    /// One shard for an hour, while records are kept beyond 24 hours.
    pub extended_retention_shard_hour: f64,
    /// What is kept beyond 7 days.
    pub long_term_retention_gb_month: f64,
    /// One fan-out consumer on one shard for an hour.
    pub fan_out_consumer_shard_hour: f64,
    /// What one fan-out consumer reads.
    pub fan_out_gb: f64,
}

/// Prices of on-demand streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDemand {
    /// One stream for an hour.
    pub stream_hour: f64,
    /// Records put, each rounded up to a KiB.
    pub in_gb: f64,
    /// What shared consumers read.
    pub out_gb: f64,
    /// What one fan-out consumer reads.
    pub fan_out_gb: f64,
    /// What is kept beyond 24 hours, up to 7 days.
    pub extended_retention_gb_month: f64,
    /// What is kept beyond 7 days.
    pub long_term_retention_gb_month: f64,
}

/// Prices of on-demand streams of an account with On-demand Advantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDemandAdvantage {
    /// Records put, each rounded up to a KiB.
    pub in_gb: f64,
    /// What shared consumers read.
    pub out_gb: f64,
    /// What one fan-out consumer reads.
    pub fan_out_gb: f64,
    /// What is kept beyond 24 hours.
    pub retention_gb_month: f64,
    /// What is paid at least, in and out each, over all streams of the account.
    pub committed_mib_per_second: f64,
}

/// One Region of a price list, with what a reader must know about the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceBasis {
    /// The Region.
    pub region: String,
    /// See [`Prices::as_of`].
    pub as_of: String,
    /// See [`Prices::source`].
    pub source: String,
    /// See [`Prices::currency`].
    pub currency: String,
    /// See [`Prices::hours_per_month`].
    pub hours_per_month: f64,
    /// Its prices.
    #[serde(skip)]
    pub prices: RegionPrices,
}

impl Prices {
    /// The list that comes with the program.
    #[must_use]
    pub fn published() -> Self {
        serde_json::from_str(PUBLISHED).expect("the list in the program is well formed")
    }

    /// A list of one's own, in the form of `bench/src/plan/prices.json`.
    ///
    /// # Errors
    /// When the file cannot be read, or is no price list.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| PlanError::Io(format!("could not read prices from {name}"), error))?;
        let prices: Self = serde_json::from_str(&text).map_err(|error| {
            PlanError::Prices(format!(
                "{name} is not a price list ({error}): copy bench/src/plan/prices.json and edit it"
            ))
        })?;
        let is_amount = |month: f64| month.is_finite() && month > 0.0;
        if is_amount(prices.hours_per_month) {
            Ok(prices)
        } else {
            Err(PlanError::Prices(format!("{name}: hours_per_month is about 730")))
        }
    }

    /// The prices of a Region.
    ///
    /// # Errors
    /// When the list does not have it.
    pub fn region(&self, region: &str) -> Result<PriceBasis, PlanError> {
        let prices = self.regions.get(region).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.regions.keys().map(String::as_str).collect();
            PlanError::Prices(format!(
                "no prices for {region:?} in the list of {}: it has {}; \
                 add yours to a copy of bench/src/plan/prices.json and pass --prices FILE",
                self.as_of,
                known.join(", ")
            ))
        })?;
        Ok(PriceBasis {
            region: region.to_owned(),
            as_of: self.as_of.clone(),
            source: self.source.clone(),
            currency: self.currency.clone(),
            hours_per_month: self.hours_per_month,
            prices,
        })
    }
}
