//! What the real evenings were like: figures, no data.
//!
//! Source: 33 evenings in Rome, 6,442 orders, measured by `calibrate` from the data of M. Cosmi, G. Oriolo,
//! V. Piccialli, P. Ventura, *Courier assignment in meal delivery via integer programming: a case study in Rome*,
//! Omega 133 (2025) 103237 (Apache-2.0). `docs/city-calibration.md` sets the simulated city beside them.

use crate::curve::Curve;
use crate::figures::Figures;

/// Orders per courier on shift of an evening (6,442 orders, 889 shifts).
pub const ORDERS_PER_COURIER: f64 = 7.25;
/// Restaurants seen over all evenings.
pub const RESTAURANTS: u32 = 243;
/// Speed that the evenings' travel times stand for.
pub const METRES_PER_MINUTE: f64 = 250.0;
/// Spread of the restaurants over the city, metres east and north (standard deviations).
pub const RESTAURANT_SPREAD_M: (f64, f64) = (1_950.0, 2_250.0);

/// What `calibrate` measured.
pub const ROME: Figures = Figures {
    orders: 6442,
    booked_share: 0.0646,
    arrivals: [
        0.0091, 0.0105, 0.0176, 0.0244, 0.0340, 0.0461, 0.0553, 0.0719, 0.0880, 0.0826, 0.0891, 0.0821, 0.0885, 0.0679,
        0.0621, 0.0549, 0.0466, 0.0334, 0.0259, 0.0101,
    ],
    booked_promise: Curve([105.0, 150.0, 150.0, 180.0, 195.0, 225.0, 240.0, 270.0, 330.0]),
    lead_by_hour: [
        Curve([53.1, 93.67, 105.85, 125.37, 150.82, 175.05, 208.2, 223.65, 262.4]),
        Curve([38.25, 46.33, 50.24, 65.22, 85.57, 114.85, 139.93, 156.98, 193.81]),
        Curve([37.75, 42.7, 46.17, 55.76, 69.53, 81.85, 112.99, 133.75, 152.7]),
        Curve([37.6, 42.9, 47.6, 58.0, 70.15, 77.75, 85.3, 117.9, 142.2]),
        Curve([37.2, 39.2, 40.8, 45.3, 55.0, 66.5, 74.5, 78.6, 88.1]),
    ],
    lead: Curve([37.8, 42.2, 46.1, 56.9, 71.5, 88.11, 131.53, 148.15, 214.57]),
    ready: Curve([27.75, 36.28, 40.12, 50.31, 65.55, 80.47, 124.93, 139.84, 206.75]),
    direct: Curve([0.07, 1.0, 1.82, 2.99, 5.24, 9.07, 13.99, 17.15, 24.92]),
    hottest: [0.0756, 0.0632],
    restaurant_shares: [0.1388, 0.2242, 0.3462, 0.4851, 0.6534, 0.8907],
    zipf_exponent: 0.7753,
};
